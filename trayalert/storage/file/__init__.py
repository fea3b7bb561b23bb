"""The log's file: how it is opened, verified, and watched for changes that other programs make."""
