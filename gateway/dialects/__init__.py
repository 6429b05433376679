"""The dialects that requests and answers are spoken in: an answer restored, and a chat answer told in another one."""
