"""Names of elements, of map files and of minerals' formulas."""
