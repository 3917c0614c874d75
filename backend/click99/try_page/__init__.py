"""The page at `/` where anybody tries the network without Label Studio."""
