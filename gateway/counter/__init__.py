"""柜台: the hospital's side of the conversation: a gRPC client, and what its people read.

Nothing here decides anything about a claim. It shows amounts, states and advice as the gateway gave
them, and checks receipts with the log's public key alone.
"""
