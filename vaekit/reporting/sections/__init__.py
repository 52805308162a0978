"""The sections of a page, one module each: a function Material -> blocks under @section stands on every page."""
