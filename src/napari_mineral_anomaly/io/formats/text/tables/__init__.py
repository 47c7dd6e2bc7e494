"""Tables with a row per pixel: their headings, columns, coordinates and grid."""
