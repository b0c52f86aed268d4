-- How an API key begins, for its owner to know it by.
ALTER TABLE credential ADD COLUMN hint TEXT;
