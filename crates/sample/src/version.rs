//! What a document is beside its place: its type, its origin, and the version of its text.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;
use utoipa::ToSchema;
use uuid::Uuid;
use vestibule_layer::model::{Invalid, Timestamp, UserId};

use crate::id;

/// The facts that only documents have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) document_type: DocumentType,
    pub(crate) origin: Origin,
    pub(crate) version: Version,
}

impl Facts {
    /// Reads the facts from a document's row, or returns those of a document that was written
    /// before they were recorded.
    pub(crate) fn read(row: &AnyRow) -> sqlx::Result<Self> {
        let document_type: Option<String> = row.try_get("document_type")?;
        let origin: Option<String> = row.try_get("document_origin")?;
        let id: Option<String> = row.try_get("version_id")?;
        let made_by: Option<String> = row.try_get("version_made_by")?;
        let created_at: Option<i64> = row.try_get("version_created_at")?;
        Ok(Self {
            document_type: parsed(document_type)?.unwrap_or_default(),
            origin: parsed(origin)?.unwrap_or_default(),
            version: Version {
                id: id::uuid(&id.map_or_else(|| row.try_get("id"), Ok)?)?,
                number: row.try_get("version")?,
                made_by: parsed::<UserId>(made_by)?,
                created_at: Timestamp::from_micros(
                    created_at.map_or_else(|| row.try_get("created_at"), Ok)?,
                ),
            },
        })
    }
}

fn parsed<T: FromStr<Err = Invalid>>(text: Option<String>) -> sqlx::Result<Option<T>> {
    let value = text.map(|text| text.parse()).transpose();
    value.map_err(|error: Invalid| sqlx::Error::Decode(error.into()))
}

/// The version that a document's text is now. The ones before are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) id: Uuid,
    /// From 1, one more with each rewrite.
    pub(crate) number: i64,
    /// Its author, if known.
    pub(crate) made_by: Option<UserId>,
    pub(crate) created_at: Timestamp,
}

impl Version {
    /// The one that comes after.
    pub(crate) const fn next(self, id: Uuid, made_by: UserId, created_at: Timestamp) -> Self {
        Self {
            id,
            number: self.number.saturating_add(1),
            made_by: Some(made_by),
            created_at,
        }
    }
}

/// The kind of document, in the client's words. The service makes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentType(String);

impl DocumentType {
    const MAX_BYTES: usize = 64;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Default for DocumentType {
    fn default() -> Self {
        Self("UNKNOWN".to_owned())
    }
}

impl FromStr for DocumentType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.len() <= Self::MAX_BYTES
            && text.bytes().all(plain)
        {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            "invalid_document_type",
            "must be 1 to 64 capital letters, digits and underscores, such as PDF or PLAINTEXT",
        ))
    }
}

/// The origin of a document: imported or created here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = DocumentOrigin)]
pub(crate) enum Origin {
    /// It was brought in.
    #[default]
    Source,
    /// It was made from others.
    Generated,
}

impl Origin {
    /// As the store and the answers have it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "SOURCE",
            Self::Generated => "GENERATED",
        }
    }
}

impl FromStr for Origin {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "SOURCE" => Ok(Self::Source),
            "GENERATED" => Ok(Self::Generated),
            _ => Err(Invalid::new(
                "invalid_document_origin",
                "must be SOURCE or GENERATED",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_type_is_one_plain_word() {
        for good in ["PDF", "PLAINTEXT", "MP3", &"X".repeat(64)] {
            assert_eq!(good.parse::<DocumentType>().unwrap().as_str(), good);
        }
        for bad in ["", "pdf", "_PDF", "3GP", "A B", "Ä", &"X".repeat(65)] {
            assert!(bad.parse::<DocumentType>().is_err(), "{bad}");
        }
    }
}
