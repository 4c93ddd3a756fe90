"""How requests come in: hosts, connections, patience, bodies, and what may go out."""
