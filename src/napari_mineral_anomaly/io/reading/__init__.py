"""Reading a scan: find its files, choose among them, read them into a cube."""
