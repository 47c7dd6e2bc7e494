"""What a real disk does: places that cannot be read, files that change, sizes that do not fit."""
