"""The same request taken by other means, as their documentation has it: what the front door is measured against."""
