"""The GraphQL API of analytics, with the one dataset about videos watched."""
