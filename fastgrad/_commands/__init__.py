"""The commands of ``fastgrad``, one room each; every room registers its options and runs them."""
