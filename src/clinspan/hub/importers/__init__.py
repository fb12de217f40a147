"""Foreign model folders into ours."""
