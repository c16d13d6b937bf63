"""What talks to AWS itself: nothing below the client does but this room."""
