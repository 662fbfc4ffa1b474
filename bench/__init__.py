"""量度: what the gateway's work costs in time, measured on the machine at hand; never a test.

A bench starts real processes and real sockets, compares with a baseline that it measures in the
same run, and asserts nothing about time. Run: `./yrd bench NAME`. Results: docs/performance.md.
"""
