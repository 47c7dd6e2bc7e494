"""The workbench: one dock, five steps, from a folder of maps to what one hands over.

The steps share only `window.state`; none knows another. The frame shows one step at a time.
"""
