"""What can be wrong with a data set, a pipeline or a table of predictions."""
