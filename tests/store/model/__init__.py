"""A model of S3 as dictionaries, the machine that holds the store to it, and hard cases for signatures."""
