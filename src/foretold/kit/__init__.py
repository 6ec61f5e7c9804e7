"""What several papers need and no library has in this form. Nothing here imports a paper."""
