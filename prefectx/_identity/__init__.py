"""Identity of calls, data and code: is it the same call, the same data, the same code?"""
