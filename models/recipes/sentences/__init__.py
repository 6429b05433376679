"""How the sentence encoder that ships was exported and measured."""
