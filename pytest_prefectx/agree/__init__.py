"""Do all modes agree on a flow, and if not, why?"""
