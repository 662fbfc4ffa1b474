"""The pure core: values in, values out. No await, clock, SQL, protobuf or logging in here."""
