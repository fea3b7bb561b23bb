"""The log's file: opened, verified, and watched for what other programs do to it."""
