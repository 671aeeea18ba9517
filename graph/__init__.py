"""What the API looks like and how it is reached: the schema, its types, its guard and its doors."""
