"""Who may watch what: keys, tokens, their rules, allowed origins."""
