"""The pages and pieces of HTML that plotroute writes."""
