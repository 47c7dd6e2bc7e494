"""The pixels of grains: regions, outlines, neighbours and the mask."""
