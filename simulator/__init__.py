"""OneDrive and Microsoft's sign-in, simulated: for tests, benchmarks and the demo.

It speaks what Microsoft Graph v1.0 and the Microsoft identity platform speak, over TLS with a certificate authority of
its own, and misbehaves on request (``simulator.catalogue``). It knows nothing of the programs that talk to it.
"""
