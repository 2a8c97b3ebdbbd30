//! Ids of the service's own nouns, spelled as Vestibule spells its own.

use uuid::Uuid;
pub(crate) use vestibule_layer::model::id::{IdOf as Id, Noun};

macro_rules! nouns {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl Noun for $name {
            const PREFIX: &'static str = $prefix;
        }
    )*};
}

nouns! {
    /// A folder of the tree.
    Folder = "folder";
    /// A document of the tree.
    Document = "doc";
    /// A version of a document's text.
    DocumentVersion = "version";
    /// A conversation with an agent.
    AgentSession = "agent";
    /// One event of a conversation.
    AgentEvent = "event";
}

/// Reads a UUID as the database holds it.
pub(crate) fn uuid(text: &str) -> sqlx::Result<Uuid> {
    Uuid::try_parse(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_an_id_are_the_same_id() {
        let typed = "folder_01h455vb4pex5vsknk084sn02q";
        let plain = "01890a5d-ac96-774b-bcce-b302099a8057";
        let id: Id<Folder> = typed.parse().unwrap();
        assert_eq!(id, plain.parse().unwrap());
        assert_eq!(id.to_string(), typed);
        assert_eq!(id.uuid().to_string(), plain);
    }

    #[test]
    fn an_id_of_something_else_is_refused() {
        for text in [
            "doc_01h455vb4pex5vsknk084sn02q",
            "folder_01h455vb4pex5vsknk084sn02",
            "folder_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "folder_01H455VB4PEX5VSKNK084SN02Q",
            "01h455vb4pex5vsknk084sn02q",
            "",
        ] {
            assert_eq!(text.parse::<Id<Folder>>().unwrap_err().reason, "invalid_id");
        }
    }
}
