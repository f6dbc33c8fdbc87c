"""What reasons mean, for people who read pages in French; in English the messages themselves are shown.

A reason is one word of those that docs/troubleshooting.md and docs/formats.md explain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# Of a channel's conditions and runs, of checks, and of sign-ins.
_CHANNELS: Final[Mapping[str, str]] = {
    "Scheduled": "Les documents sont collectés chaque jour.",
    "Suspended": "Le canal est suspendu : rien n’est collecté jusqu’à sa reprise.",
    "RunWaiting": "Une collecte attend la fin d’une autre, ou une place libre.",
    "RunBlocked": "Le pod d’une collecte ne démarre pas ; les demandes attendent.",
    "PrerequisitesMissing": "Il manque quelque chose dont le canal a besoin.",
    "AllPresent": "Rien ne manque.",
    "SeveralMissing": "Il manque plusieurs choses dont le canal a besoin.",
    "RecipientMissing": "Le destinataire n’existe pas : créez-le, ou désignez-en un autre.",
    "BinderMissing": "Le classeur n’existe pas : il faut le créer, car un canal n’en change pas.",
    "CredentialsMissing": "Le Secret de l’application n’existe pas, ou il y manque des identifiants.",
    "PasswordsMissing": "Le Secret qui contient les mots de passe des documents n’existe pas.",
    "CaBundleMissing": "La ConfigMap des autorités de certification n’existe pas, ou il y manque la clé indiquée.",
    "StorageMissing": "Le stockage du classeur manque : son volume, ou le Secret de son espace de stockage.",
    "StorageUnsupported": "Le stockage de ce classeur n’est pas utilisable ici : choisissez un autre classeur.",
    "InvalidResource": "Une ressource n’est pas valable : il faut corriger le champ indiqué.",
    "ForeignObject": "Un objet étranger porte le nom d’un objet de ce canal : il faut le supprimer ou le renommer.",
    "Deleting": "Le canal est en cours de suppression ; autre chose le retient encore.",
    "Replacing": "Les objets d’un ancien canal du même nom sont en cours de suppression.",
    "ApplyFailed": "Le cluster refuse un objet de ce canal : droits, quota, ou règle d’admission.",
    "CredentialsPresent": "Les identifiants de l’application sont là ; la prochaine collecte dira s’ils sont bons.",
    "SignedIn": "Le titulaire du compte s’est identifié.",
    "NotSignedIn": "Personne ne s’est identifié, ou le compte a été déconnecté.",
    "NotConnected": "Aucun compte n’est connecté, ou ce n’est pas celui que le canal désigne.",
    # Runs that went well
    "Collected": "De nouveaux documents ont été collectés.",
    "NothingNew": "Il n’y avait rien de nouveau.",
    "ItemsDeferred": "Des documents sont différés ; chaque collecte les essaie de nouveau.",
    "ItemsRejected": "Des documents ne peuvent pas être collectés tels qu’ils sont.",
    "AlreadyCollectedToday": "La collecte de ce jour avait déjà eu lieu.",
    "StateAdvanced": "Une autre collecte du canal a été plus rapide ; rien n’est perdu.",
    "ReportMissing": "La collecte a réussi, mais son compte rendu est perdu : il est dans le classeur.",
    # Sign-in
    "ClientSecretInvalid": "Microsoft ne connaît pas le secret de l’application : mettez sa valeur dans le Secret.",
    "ClientSecretExpired": "Le secret de l’application a expiré : créez-en un dans Entra, et mettez-le dans le Secret.",
    "CertificateInvalid": "Le certificat de l’application est inconnu de Microsoft, a expiré, ou est illisible.",
    "CredentialsNotAllowed": "L’application est un client public : elle ne doit pas avoir de secret.",
    "ClientIdMissing": "Ni le canal ni l’installation ne désignent d’application.",
    "ApplicationNotFound": "L’annuaire ne connaît pas l’application : vérifiez son identifiant et celui de l’annuaire.",
    "ApplicationDisabled": "L’application est désactivée dans l’annuaire.",
    "TenantNotFound": "Cet annuaire n’existe pas : vérifiez son identifiant.",
    "TenantNeeded": "L’application appartient à un annuaire : il faut l’indiquer, ou l’ouvrir à tous les annuaires.",
    "AuthorityNotFound": "L’adresse où s’identifier n’existe pas : vérifiez le cloud indiqué.",
    "AdminConsentNeeded": "Un administrateur de l’annuaire doit donner son accord à l’application.",
    "UserNotAssigned": "L’application est réservée à certains comptes : un administrateur doit y affecter celui-ci.",
    "ScopeInvalid": "L’application n’a pas le droit de demander à lire des fichiers : vérifiez ses autorisations.",
    "WrongKindOfAccount": "L’application n’accepte pas ce type de compte, ou pas cet annuaire.",
    "WrongPlatform": "L’adresse de retour de l’application est enregistrée sous une autre plateforme.",
    "AccountDisabled": "Le compte est désactivé : son administrateur peut le réactiver.",
    "AccountGone": "Le compte n’existe plus.",
    "ConditionalAccess": "Une règle de l’annuaire refuse le compte : son administrateur peut l’en excepter.",
    "SecondFactorNeeded": "Microsoft demande un second facteur : il faut se connecter de nouveau.",
    "SignInFrequency": "Une règle de l’annuaire met fin aux connexions après un certain temps.",
    "ConnectionExpired": "La connexion n’a pas servi pendant 90 jours : il faut se connecter de nouveau.",
    "ConnectionLost": "Microsoft n’accepte plus la connexion : il faut se connecter de nouveau.",
    "ConnectionRevoked": "La connexion a été révoquée : il faut se connecter de nouveau.",
    "ConnectionUnreadable": "Ce qui est gardé de la connexion est endommagé : il faut se connecter de nouveau.",
    "ConsentDeclined": "Le titulaire du compte a refusé.",
    "ConsentWithdrawn": "Le titulaire du compte a retiré son autorisation : il faut se connecter de nouveau.",
    "PasswordChanged": "Le mot de passe du compte a changé : il faut se connecter de nouveau.",
    "SignInExpired": "Personne ne s’est identifié tant que le code était valable.",
    "SignInMismatch": "La réponse reçue n’est pas celle qui était attendue : recommencez dans le même navigateur.",
    "BrowserNeeded": "Une application qui a un secret ne connecte que par un navigateur.",
    "WrongAccount": "Un autre compte que celui que le canal désigne s’est identifié.",
    "SignInFailed": "Microsoft refuse l’identification ; le numéro AADSTS dit pourquoi.",
    "TokenRefused": "Microsoft refuse un jeton qui vient d’être donné : il faut se connecter de nouveau.",
    "ConnectionReplaced": "Quelqu’un s’est connecté de nouveau pendant la collecte.",
    "SignInUnavailable": "Le service d’identification de Microsoft est en panne : attendez.",
    "SignInUnreachable": "Le service d’identification de Microsoft n’est pas joignable depuis le cluster.",
    # OneDrive
    "FolderNotFound": "Le dossier n’est pas dans le OneDrive : corrigez-le, ou faites-le créer par le client.",
    "FolderIsShortcut": "Le dossier est un raccourci vers un autre OneDrive.",
    "TooManyFolders": "Il y a trop de dossiers pour les parcourir un par un : indiquez l’un d’eux.",
    "DriveNotFound": "Le compte n’a pas de OneDrive, ou celui qui est indiqué n’existe pas.",
    "DriveLocked": "Le OneDrive est verrouillé par un administrateur ou par Microsoft.",
    "AccessDenied": "Microsoft refuse l’accès au OneDrive : vérifiez les autorisations de l’application.",
    "TooManyDeferred": "Plus de 10 000 documents sont différés : le compte rendu dit ce qu’ils ont en commun.",
    "CursorLost": "Microsoft a perdu la position dans la liste : la prochaine collecte repart du début.",
    "Throttled": "Microsoft demande d’espacer les requêtes plus longtemps qu’une collecte n’attend.",
    "ServiceFailing": "OneDrive répond par des erreurs : attendez.",
    "Unreachable": "OneDrive n’est pas joignable depuis le cluster.",
    "TlsFailed": "Le certificat de OneDrive n’est pas accepté : un proxy s’interpose peut-être.",
    "UnexpectedAnswer": "OneDrive donne une réponse inattendue : attendez, et signalez-le si cela dure.",
    "EndlessFeed": "OneDrive donne une liste sans fin : attendez, et signalez-le si cela dure.",
    "ForeignLink": "Une liste de OneDrive continue ailleurs : un proxy modifie peut-être les réponses.",
    "ListingLost": "Un dossier est visible, mais pas son contenu : la prochaine collecte l’essaie de nouveau.",
    "FolderUnreadable": "Un dossier ne peut pas être lu pour le moment.",
    "FolderMoving": "Le dossier est déplacé pendant qu’il est lu.",
    # Binder and store
    "BinderReplaced": "Le stockage n’est pas celui que ce classeur connaît : vérifiez qu’il s’agit du bon.",
    "BinderCopyUnfinished": "Le stockage contient une copie inachevée : terminez-la.",
    "BinderUnreadable": "Le classeur, ou l’une de ses fiches, est endommagé, ou d’une version plus récente.",
    "BinderNotMounted": "Le pod n’a pas le volume du classeur : supprimez le Job de la collecte.",
    "BinderNotFound": "Il n’y a pas de classeur à cet endroit.",
    "StoreUnavailable": "Le stockage ne répond pas, ou répond par des erreurs : attendez.",
    "StoreFull": "Le stockage est plein, ou son quota est atteint : faites de la place.",
    "StoreNotFound": "L’espace de stockage n’existe pas : créez-le, ou corrigez son nom.",
    "StoreAccessDenied": "Le stockage refuse l’accès : vérifiez les identifiants et leurs droits.",
    "StoreCredentialsMissing": "Il n’y a pas d’identifiants pour le stockage.",
    "StoreMisconfigured": "La région ou l’adresse du stockage ne conviennent pas.",
    "StoreUntrusted": "Le certificat du stockage n’est pas accepté.",
    "StoreReadOnly": "Le volume est en lecture seule.",
    "StoreUnusable": "Aucun dossier ne peut être créé à cet endroit, ou autre chose s’y trouve.",
    "StoreRefusesSize": "Un document est plus grand que ce que le stockage accepte.",
    "NoConditionalPut": "Le stockage ne sait pas écrire seulement ce qui n’existe pas encore : il en faut un autre.",
    "NoHardLinks": "Le volume n’a pas de liens physiques : il en faut un autre.",
    "CaBundleUnreadable": "Le fichier des autorités de certification est illisible.",
    # The run itself
    "MemoryLimitTooLow": "Les limites de lecture dépassent la mémoire du pod.",
    "PasswordsInvalid": "Le Secret des mots de passe n’en contient pas, ou trop, ou de trop longs.",
    "InvalidSetting": "Une adresse de la configuration n’en est pas une.",
    "NotInCluster": "La collecte ne tourne pas dans un pod de l’opérateur.",
    "NotFound": "Le canal, le classeur ou le destinataire n’existe plus.",
    "Forbidden": "Le cluster refuse l’accès : l’opérateur rétablit les droits, si aucune règle ne s’y oppose.",
    "Refused": "Le cluster, ou OneDrive, refuse une requête.",
    "ScratchFull": "Il n’y a pas assez de place pour les téléchargements.",
    "ApiUnavailable": "Le cluster ne répond pas.",
    "StatusConflict": "L’état du canal change sans cesse : quelque chose d’autre l’écrit.",
    "TimeUp": "La collecte a duré trop longtemps ; la prochaine continue là.",
    "Interrupted": "La collecte a été interrompue ; la prochaine continue là.",
    "UnexpectedError": "Une erreur de Bannette : signalez-la, avec le journal.",
    "OOMKilled": "La collecte a pris plus de mémoire qu’elle n’en a le droit.",
    "DeadlineExceeded": "La collecte a été arrêtée après six heures ; la prochaine continue là.",
    "Evicted": "Le nœud manquait de mémoire ou de disque.",
    "JobDeleted": "Quelqu’un a supprimé le Job de la collecte.",
    "PersonNeeded": "Quelqu’un doit intervenir ; le journal de la collecte dit pourquoi.",
    "Failed": "La collecte a échoué sans dire pourquoi ; voyez son journal.",
    **dict.fromkeys(
        ("ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"),
        "L’image de la collecte est introuvable : vérifiez son nom et l’accès au registre.",
    ),
    **dict.fromkeys(
        (
            "CreateContainerConfigError",
            "CreateContainerError",
            "ContainerCreating",
            "PodInitializing",
            "Unschedulable",
        ),
        "Le pod de la collecte n’a pas démarré : un Secret, un volume ou un nœud manque.",
    ),
}
# Of documents that were read in part, or not at all.
_READING: Final[Mapping[str, str]] = {
    "Corrupt": "fichier endommagé",
    "Crashed": "la lecture a échoué brutalement",
    "Disabled": "le canal ne lit pas les documents",
    "Downscaled": "page si grande qu’elle a été réduite",
    "Empty": "vide",
    "Encrypted": "protégé par un mot de passe",
    "EngineFailed": "la reconnaissance a échoué",
    "LanguageNotInstalled": "une langue du canal n’est pas installée",
    "NoText": "rien à lire",
    "NotRewritable": "pas de PDF avec texte",
    "OutOfMemory": "demande trop de mémoire",
    "PagesMissing": "des pages manquent",
    "PartsMissing": "une partie du contenu manque",
    "Signed": "signé, laissé tel quel",
    "TextCut": "texte trop long, coupé",
    "TimedOut": "trop long à lire",
    "TooLarge": "trop grand",
    "TooManyPages": "trop de pages",
    "UnknownEncryption": "chiffrement inconnu",
    "UnsupportedType": "type de fichier non lu",
    "XfaForm": "formulaire qui ne s’affiche que chez Adobe",
}


def _unbroken(sentences: Mapping[str, str]) -> dict[str, str]:
    """Return French texts whose marks of two parts never begin a line."""
    return {key: re.sub(" (?=[:;?!])", "\u00a0", text) for key, text in sentences.items()}


CHANNELS: Final = _unbroken(_CHANNELS)
READING: Final = _unbroken(_READING)


def in_words(language: str, reason: str) -> str:
    """Return a sentence that says what *reason* means; empty where the message that comes with it says it.

    Kubernetes has reasons of its own for pods and Jobs, which nobody can list.
    """
    if language != "fr" or not reason:
        return ""
    return CHANNELS.get(reason, f"Motif\u00a0: {reason}.")


def reading_in_words(language: str, reason: str) -> str:
    """Return why a document wasn't read any further, in a few words; the reason itself if that is all there is."""
    return READING.get(reason, reason) if language == "fr" else reason
