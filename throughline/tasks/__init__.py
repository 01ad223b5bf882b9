"""Task types: what they are called, what data they take, how they are found."""
