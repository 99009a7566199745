"""The format of certificates: what their JSON may hold, and their digest. Nothing is evaluated here."""
