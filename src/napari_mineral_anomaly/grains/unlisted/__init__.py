"""Places that are worth a look although no grain list names them."""
