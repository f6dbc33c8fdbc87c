"""The pages' words in French."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_TEXTS: Final[Mapping[str, str]] = {
    "whole_drive": "tout le OneDrive",
    "company": "Société",
    "folder": "Dossier",
    "account": "Compte",
    "channel": "Référence",
    "connected_at": "Connecté le",
    "last_run": "Dernière collecte",
    "next_run": "Prochaine collecte",
    "ask_title": "Connectez votre OneDrive",
    "ask_heading": "{company} demande à collecter des documents de votre OneDrive",
    "ask_intro": "Une fois le compte connecté, les nouveaux documents sont collectés une fois par jour et remis à la "
    "saisie de la société. Vous vous identifiez chez Microsoft, une seule fois.",
    "lost": "Le compte a été connecté, mais Microsoft n’accepte plus cette connexion : identifiez-vous de nouveau.",
    "lost_consent": "Le compte a été connecté, mais votre organisation exige maintenant l’accord de son administrateur "
    "Microsoft 365 : transmettez-lui cette adresse, et continuez ici après son accord.",
    "lost_assignment": "Le compte a été connecté, mais votre organisation réserve maintenant l’application à certains "
    "comptes : demandez à son administrateur Microsoft 365 d’affecter {account} à l’application {application}, puis "
    "continuez ici.",
    "ask_what": "Qui demande quoi",
    "ask_rights": "Ce qui sera lu",
    "right_read": "Microsoft vous demandera une seule autorisation : lire vos fichiers (Files.Read). Rien d’autre.",
    "right_folder": "Elle porte sur tous les fichiers du compte ; seuls les documents de {folder} sont collectés.",
    "right_drive": "Elle porte sur tous les fichiers du compte, et les documents de tous ses dossiers sont collectés.",
    "right_nothing": "Rien n’est modifié, déplacé ni supprimé dans votre OneDrive, et votre mot de passe ne passe "
    "jamais par ici.",
    "right_end": "Vous pouvez déconnecter le compte à tout moment, sur cette page ou chez Microsoft.",
    "go": "Continuer chez Microsoft",
    "go_note": "La page suivante est celle de Microsoft ({authority}). Choisissez-y le compte {account} : aucun autre "
    "n’est accepté.",
    "connected_title": "Connecté",
    "connected_heading": "Votre OneDrive est connecté",
    "connected_intro": "Merci, vous n’avez plus rien à faire. Vous pouvez fermer cette page.",
    "next": "Et maintenant ?",
    "next_first": "La première collecte commence dans quelques minutes. Ensuite, les documents sont collectés une "
    "fois par jour.",
    "next_daily": "Les documents sont collectés une fois par jour.",
    "next_suspended": "{company} a suspendu les collectes : rien n’est collecté jusqu’à leur reprise.",
    "end": "Pour déconnecter",
    "end_note": "Ce qui a été collecté reste chez {company} ; plus rien n’est collecté ensuite.",
    "disconnect": "Déconnecter…",
    "disconnect_title": "Déconnecter",
    "disconnect_heading": "Déconnecter {account} ?",
    "disconnect_intro": "Votre autorisation est effacée, et {company} ne collecte plus rien de votre OneDrive. Ce qui "
    "a été collecté reste.",
    "disconnect_yes": "Déconnecter",
    "disconnect_no": "Rester connecté",
    "disconnected_title": "Déconnecté",
    "disconnected_heading": "Votre OneDrive est déconnecté",
    "disconnected_intro": "Votre autorisation a été effacée : {company} ne collecte plus rien.",
    "withdraw": "Pour retirer aussi l’autorisation chez Microsoft :",
    "withdraw_work": "comptes professionnels et scolaires",
    "withdraw_home": "comptes personnels",
    "connect_again": "Connecter de nouveau",
    "allowed_title": "Autorisé",
    "allowed_heading": "L’application est autorisée",
    "allowed_intro": "Merci. La personne qui vous a transmis cette adresse peut maintenant rouvrir son lien et "
    "connecter son compte.",
    "doorstep_title": "Le lien",
    "doorstep_heading": "Le lien est dans votre courriel",
    "doorstep_intro": "Vous avez reçu un courriel avec un lien, qui ouvre cette page pour vous. Cherchez-le aussi "
    "parmi les indésirables ; s’il y en a plusieurs, prenez le dernier.",
    "doorstep_send": "Renvoyer le courriel",
    "doorstep_note": "Il part à la même adresse que le précédent, quelle que soit la personne qui le demande.",
    "doorstep_ask": "Si vous ne le trouvez pas, demandez un lien à la société qui souhaite vos documents.",
    "doorstep_again": "Recevoir un nouveau lien",
    "sent_title": "Consultez vos courriels",
    "sent_heading": "Consultez vos courriels",
    "sent_intro": "Si un compte attend d’être connecté ici, son titulaire reçoit un courriel avec un nouveau lien.",
    "sent_note": "Cela peut prendre quelques minutes, une heure si le dernier courriel est récent, et davantage si "
    "d’autres ont été demandés avant : il en part trois par jour au plus. Vous pouvez fermer cette page.",
    "try_again": "Rouvrir la page",
    "detail": "Pour votre interlocuteur dans la société, qui peut y remédier",
    "admin_link": "Page pour l’administrateur",
    "fault_no_page": "Cette page n’existe pas",
    "todo_no_page": "Rouvrez le lien du courriel, en entier : certains logiciels coupent les longs liens en deux.",
    "fault_method": "Cela ne fonctionne pas ici",
    "todo_method": "Rouvrez le lien du courriel.",
    "fault_request": "Cette demande est incompréhensible",
    "todo_request": "Rouvrez le lien du courriel.",
    "fault_too_large": "C’est trop",
    "todo_too_large": "Rouvrez le lien du courriel.",
    "fault_link_forged": "Ce lien n’est pas valable",
    "todo_link_forged": "Rouvrez le lien du courriel, en entier : certains logiciels coupent les longs liens en deux. "
    "Si cela ne suffit pas, demandez-en un nouveau à la société qui vous l’a envoyé.",
    "fault_link_expired": "Ce lien a expiré",
    "todo_link_expired": "Demandez-en un nouveau à la société qui vous l’a envoyé. Si votre compte est connecté, vous "
    "n’avez rien à faire : il le reste.",
    "fault_channel_gone": "Ce lien ne mène plus nulle part",
    "todo_channel_gone": "Ce pour quoi il a été fait n’existe plus, vous n’avez donc rien à faire. Si l’on vous a "
    "sollicité de nouveau, prenez le lien du dernier courriel.",
    "fault_nothing_to_connect": "Il n’y a rien à connecter",
    "todo_nothing_to_connect": "Les documents sont collectés sans que vous ayez à vous identifier. Vous pouvez fermer "
    "cette page.",
    "fault_not_ready": "Ce n’est pas encore prêt",
    "todo_not_ready": "La préparation n’est pas terminée. Rouvrez la page dans une minute.",
    "fault_form": "Recommencez, s’il vous plaît",
    "todo_form": "La page est restée ouverte trop longtemps, ou ses cookies sont bloqués. Rouvrez-la et acceptez ses "
    "cookies : ils sont nécessaires jusqu’à votre retour de chez Microsoft.",
    "fault_visit_foreign": "Cette connexion n’a pas été commencée ici",
    "todo_visit_foreign": "Rien n’a été conservé. Ouvrez le lien du courriel et continuez de là chez Microsoft, dans "
    "un seul navigateur et avec ses cookies.",
    "fault_visit_used": "Cette connexion est terminée",
    "todo_visit_used": "Chaque connexion ne sert qu’une fois, et celle-ci a servi, ou d’autres l’ont remplacée. "
    "Rouvrez la page pour voir si le compte est connecté.",
    "fault_visit_expired": "La connexion a pris trop de temps",
    "todo_visit_expired": "Rien n’a été conservé. Rouvrez la page, et identifiez-vous chez Microsoft en moins de 15 "
    "minutes.",
    "fault_disconnected": "Le compte a été déconnecté entre-temps",
    "todo_disconnected": "Quelqu’un l’a déconnecté après le début de cette connexion : rien n’a donc été conservé, "
    "et rien n’est collecté. S’il doit être connecté malgré tout, rouvrez la page.",
    "fault_wrong_account": "C’était un autre compte",
    "todo_wrong_account": "Rien n’a été conservé. Rouvrez la page et choisissez chez Microsoft le compte qu’elle "
    "indique. Si un autre est pris d’office, déconnectez-vous-y d’abord.",
    "fault_other_person": "Ce n’est pas le compte d’avant",
    "todo_other_person": "Il porte le même nom, mais selon Microsoft c’en est un autre : rien n’a été conservé. Si "
    "c’est bien le bon, rouvrez la page, déconnectez l’ancien, puis connectez de nouveau.",
    "fault_declined": "Vous avez refusé",
    "todo_declined": "Rien n’a été conservé et rien n’est collecté. Si vous changez d’avis, rouvrez la page.",
    "fault_admin": "Votre administrateur doit donner son accord",
    "todo_admin": "Votre organisation ne laisse pas chacun autoriser des applications. Transmettez l’adresse "
    "ci-dessous à son administrateur Microsoft 365 ; après son accord, rouvrez la page.",
    "fault_not_allowed": "L’application n’est pas autorisée",
    "todo_not_allowed": "Selon Microsoft, personne n’a donné son accord : rien n’a changé. Pour l’autoriser malgré "
    "tout, rouvrez l’adresse qu’on vous a transmise, connectez-vous en tant qu’administrateur de votre organisation "
    "et donnez votre accord.",
    "fault_policy": "Votre organisation ne le permet pas",
    "todo_policy": "Microsoft a refusé la connexion pour la raison ci-dessous. Montrez-la à l’administrateur de votre "
    "organisation, ou à la société qui vous a sollicité.",
    "fault_configuration": "Un réglage est incorrect",
    "todo_configuration": "Vous n’y êtes pour rien, et ne pouvez pas le corriger. Transmettez la ligne ci-dessous à "
    "la société qui vous a sollicité, et rouvrez la page quand elle vous le dira.",
    "fault_unavailable": "Indisponible pour le moment",
    "todo_unavailable": "Un service nécessaire ne répond pas. Rouvrez la page dans une minute.",
    "fault_bug": "Une erreur est survenue",
    "todo_bug": "Vous n’y êtes pour rien, et elle a été notée. Rouvrez la page dans quelques minutes.",
}
# Marks of two parts never begin a line.
TEXTS: Final = {key: re.sub(" (?=[:;?!])", "\u00a0", text) for key, text in _TEXTS.items()}
