"""What is around the steps: the header, the row of steps, the place below the map."""
