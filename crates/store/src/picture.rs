//! Pictures of people.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ringfence_core::{
    ids::IdentityId,
    picture::{Format, Picture, PictureStore},
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    sql::{backend, values},
    tx::SqlTx,
};

impl PictureStore for SqlTx<'_> {
    fn put_picture(&mut self, identity: IdentityId, picture: &Picture, at: Timestamp) -> StoreResult<()> {
        self.later(
            "INSERT INTO picture (identity_id, media_type, content, updated_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (identity_id) DO UPDATE SET media_type = excluded.media_type, content = excluded.content,
                 updated_at = excluded.updated_at",
            values![identity, picture.format().media_type(), &STANDARD.encode(picture.bytes()), at],
        )
    }

    fn picture(&mut self, identity: IdentityId) -> StoreResult<Option<Picture>> {
        self.one("SELECT media_type, content FROM picture WHERE identity_id = $1", values![identity], |row| {
            let format = row.word(Format::parse)?;
            Ok(Picture::stored(format, STANDARD.decode(row.text()?).map_err(backend)?))
        })
    }

    fn delete_picture(&mut self, identity: IdentityId) -> StoreResult<bool> {
        self.changed("DELETE FROM picture WHERE identity_id = $1", values![identity])
    }
}
