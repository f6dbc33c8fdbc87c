"""French. A blank before ":" doesn't break (\\u00a0), nor one before "%" or inside quotation marks."""

from __future__ import annotations

from typing import Final

from bannette.notify.languages.texts import Counted, Kind, Texts

_WHAT_HAPPENS = (
    "Le lien ouvre une page qui indique qui demande quoi, puis mène chez Microsoft. Vous vous y connectez avec le "
    "compte indiqué ci-dessus et n'autorisez qu'une chose\u00a0: la lecture de ses fichiers. Rien n'est modifié ni "
    "supprimé dans votre OneDrive, votre mot de passe reste chez Microsoft, et vous pouvez vous déconnecter quand vous "
    "le souhaitez."
)
_IF_UNKNOWN = "Si vous ne connaissez pas {companies}, ignorez ce message\u00a0: sans vous, rien n'est collecté."
_GOES_ON = (
    "Les documents que vous ajouterez au dossier seront désormais collectés une fois par jour. Vous n'avez plus rien à "
    "faire."
)

FRENCH: Final = Texts(
    tag="fr",
    singular_below=2,
    months=(
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ),
    day="{day}\u00a0{month} {year}",
    first_of_month="1er\u00a0{month} {year}",
    conjunction="et",
    colon="\u00a0:",
    greeting="Bonjour {name},",
    company="Société",
    folder="Dossier",
    whole_drive="tout le OneDrive",
    account="Compte",
    channel="Référence",
    since="Depuis le",
    lapses="Expire le",
    new="Nouveaux documents",
    duplicates="Déjà présents",
    deferred="À réessayer",
    rejected="Non collectables",
    why="Motif",
    link_works_until="Le lien est valable jusqu'au {date}.",
    last_run_failed="La dernière tentative a échoué\u00a0; elle sera renouvelée automatiquement.",
    footer="Ce message a été envoyé par Bannette, le programme qui collecte des documents pour {companies}. Merci de "
    "ne pas y répondre.",
    connect=Kind(
        subject="{company}\u00a0: connectez votre OneDrive",
        subject_of_several="Connectez votre OneDrive",
        heading="Connectez votre OneDrive",
        opening=Counted(
            "Pour que vos documents parviennent à {companies} tout seuls, une fois par jour, merci de connecter ce "
            "OneDrive\u00a0:",
            "Pour que vos documents parviennent à {companies} tout seuls, une fois par jour, merci de connecter ces "
            "{n}\u00a0OneDrive\u00a0:",
        ),
        closing=(_WHAT_HAPPENS, _IF_UNKNOWN),
        action="Connecter {account}",
    ),
    lost_connection=Kind(
        subject="{company}\u00a0: votre OneDrive n'est plus connecté",
        subject_of_several="Votre OneDrive n'est plus connecté",
        heading="Votre OneDrive n'est plus connecté",
        opening=Counted(
            "La connexion à ce OneDrive est perdue\u00a0: ses documents ne parviennent plus à {companies}. Il ne "
            "manquera rien\u00a0: ce que vous ajoutez entre-temps sera collecté dès que vous l'aurez reconnecté.",
            "Les connexions à ces {n}\u00a0OneDrive sont perdues\u00a0: leurs documents ne parviennent plus à "
            "{companies}. Il ne manquera rien\u00a0: ce que vous ajoutez entre-temps sera collecté dès que vous les "
            "aurez reconnectés.",
        ),
        closing=(_WHAT_HAPPENS,),
        action="Reconnecter {account}",
    ),
    reminder=Kind(
        subject="Rappel\u00a0: {company} attend votre OneDrive",
        subject_of_several="Rappel\u00a0: votre OneDrive n'est pas encore connecté",
        heading="Votre OneDrive n'est pas encore connecté",
        opening=Counted(
            "Nous vous avons déjà demandé de connecter ce OneDrive. Tant qu'il ne l'est pas, aucun de ses documents ne "
            "parvient à {companies}.",
            "Nous vous avons déjà demandé de connecter ces {n}\u00a0OneDrive. Tant qu'ils ne le sont pas, aucun de "
            "leurs documents ne parvient à {companies}.",
        ),
        closing=(_WHAT_HAPPENS, _IF_UNKNOWN),
        action="Connecter {account}",
    ),
    lapsing=Kind(
        subject="{company}\u00a0: la connexion à votre OneDrive va expirer",
        subject_of_several="La connexion à votre OneDrive va expirer",
        heading="La connexion à votre OneDrive va expirer",
        opening=Counted(
            "Rien n'a été collecté dans ce OneDrive depuis longtemps, et Microsoft met fin aux connexions inutilisées. "
            "Si ses documents doivent parvenir à {companies} plus tard, renouvelez la connexion\u00a0; sinon, vous "
            "n'avez rien à faire.",
            "Rien n'a été collecté dans ces {n}\u00a0OneDrive depuis longtemps, et Microsoft met fin aux connexions "
            "inutilisées. Si leurs documents doivent parvenir à {companies} plus tard, renouvelez les "
            "connexions\u00a0; sinon, vous n'avez rien à faire.",
        ),
        closing=(),
        action="Renouveler la connexion de {account}",
    ),
    first=Kind(
        subject="{company}\u00a0: vos premiers documents sont arrivés",
        subject_of_several="Vos premiers documents sont arrivés",
        heading="Vos premiers documents sont arrivés",
        opening=Counted(
            "La première collecte dans ce OneDrive pour {companies} est terminée\u00a0:",
            "Les premières collectes dans ces {n}\u00a0OneDrive pour {companies} sont terminées\u00a0:",
        ),
        closing=(_GOES_ON,),
    ),
    first_empty=Kind(
        subject="{company}\u00a0: votre OneDrive est connecté",
        subject_of_several="Votre OneDrive est connecté",
        heading="Votre OneDrive est connecté",
        opening=Counted(
            "La première collecte dans ce OneDrive pour {companies} est terminée. Il ne contenait pas encore de "
            "nouveau document.",
            "Les premières collectes dans ces {n}\u00a0OneDrive pour {companies} sont terminées. Ils ne contenaient "
            "pas encore de nouveau document.",
        ),
        closing=(_GOES_ON,),
    ),
    digest=Kind(
        subject="{company}\u00a0: vos documents du {day}",
        subject_of_several="Vos documents du {day}",
        heading="Vos documents du {day}",
        opening=Counted(
            "Voici ce qui a été collecté pour {companies} le {day}\u00a0:",
            "Voici ce qui a été collecté pour {companies} le {day}, dans {n}\u00a0OneDrive\u00a0:",
        ),
        closing=(),
    ),
    failure=Kind(
        subject="{company}\u00a0: vos documents ne peuvent pas être collectés",
        subject_of_several="Vos documents ne peuvent pas être collectés",
        heading="Vos documents ne peuvent pas être collectés",
        opening=Counted(
            "Pour le moment, les documents de ce OneDrive ne parviennent pas à {companies}. Aucun n'est perdu\u00a0: "
            "ils seront collectés dès que la cause aura disparu.",
            "Pour le moment, les documents de ces {n}\u00a0OneDrive ne parviennent pas à {companies}. Aucun n'est "
            "perdu\u00a0: ils seront collectés dès que la cause aura disparu.",
        ),
        closing=(),
    ),
    lost={
        "ConnectionExpired": "La connexion n'a pas été utilisée pendant trop longtemps.",
        "ConnectionRevoked": "La connexion a été révoquée chez Microsoft.",
        "PasswordChanged": "Le mot de passe du compte a été changé.",
        "SignInFrequency": "Votre organisation demande de se reconnecter après un certain temps.",
        "ConditionalAccess": "Une règle de votre organisation ne le permet pas\u00a0: adressez-vous à son "
        "administrateur.",
        "AccountGone": "Le compte n'existe plus.",
        "AccountDisabled": "Le compte est désactivé.",
        "SecondFactorNeeded": "Microsoft demande de confirmer la connexion par un second facteur.",
        "ConsentWithdrawn": "L'autorisation de lire les fichiers a été retirée.",
        "AdminConsentNeeded": "Votre organisation ne laisse pas chacun autoriser des applications\u00a0: transmettez "
        "l'adresse ci-dessous à son administrateur Microsoft 365, et reconnectez le compte après son accord.",
        "UserNotAssigned": "Votre organisation réserve l'application à certains comptes\u00a0: demandez à son "
        "administrateur Microsoft 365 d'affecter {account} à l'application {application}, puis reconnectez le compte.",
    },
    consent="À transmettre à l'administrateur",
    failed={
        "FolderNotFound": "Le dossier {folder} n'est pas dans le OneDrive de {account}\u00a0: remettez-le en place, ou "
        "indiquez son nouveau nom à la société.",
        "FolderIsShortcut": "Le dossier {folder} est un raccourci vers un autre OneDrive\u00a0: mettez à sa place un "
        "dossier à vous, ou indiquez à la société à qui il appartient.",
        "DriveNotFound": "{account} n'a pas encore de OneDrive\u00a0: ouvrez une fois onedrive.com avec ce compte.",
        "DriveLocked": "Le OneDrive de {account} est verrouillé\u00a0: adressez-vous à votre administrateur ou à "
        "Microsoft.",
        "AdminConsentNeeded": "Microsoft exige l'accord d'un administrateur\u00a0: demandez à celui de votre "
        "organisation d'autoriser l'application {application} dans Entra.",
        "UserNotAssigned": "Votre organisation réserve l'application à certains comptes\u00a0: demandez à son "
        "administrateur Microsoft 365 d'affecter {account} à l'application {application} dans Entra.",
    },
    failed_otherwise="Une nouvelle tentative a lieu chaque jour. Si cela dure, indiquez à la société le motif "
    "ci-dessus.",
)
