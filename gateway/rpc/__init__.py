"""The gRPC edge: who calls, what they ask, and how an answer or an error leaves the house."""
