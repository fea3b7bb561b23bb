"""What a damaged log needs: moved aside, carved, checked, restored from a backup."""
