"""Arrays inside other objects (pandas, xarray, Dask, masked arrays): taken apart before a call, put together after it.

Imports `arguments` only; one module for each library. Begin reading in `registry`.
"""
