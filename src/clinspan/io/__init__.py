"""Reading notes and writing entities."""
