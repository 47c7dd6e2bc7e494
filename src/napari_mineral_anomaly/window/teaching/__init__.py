"""Teaching: what is brushed as ordinary leaves the list; a part of the step *Decide*."""
