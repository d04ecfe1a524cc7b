"""The straightforward way: a pandas script, then one spark-submit for each job."""
