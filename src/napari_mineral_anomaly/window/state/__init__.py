"""What the steps and docks of one viewer share: the active section, the chosen score, progress."""
