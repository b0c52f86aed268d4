-- Pictures of people, apart from their other columns: few statements want the bytes. Base64, for there is no third column type.
CREATE TABLE picture (
    identity_id TEXT NOT NULL PRIMARY KEY REFERENCES identity (id) ON DELETE CASCADE,
    media_type TEXT NOT NULL,
    content TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
