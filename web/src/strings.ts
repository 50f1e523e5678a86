/** Every word of the page, in every language it speaks. Labels stay as the model gives them. */

import type { Decision } from './answer.ts'

export const LANGUAGES = ['en', 'fr'] as const
export type Language = (typeof LANGUAGES)[number]

export interface Strings {
  readonly language: Language
  readonly title: string
  readonly lead: string
  readonly choosePhoto: string
  readonly chooseAnother: string
  readonly takePhoto: string
  readonly orDropOrPaste: string
  readonly dropHere: string
  readonly notAFile: string
  readonly photoAlt: (name: string) => string
  readonly noPreview: string
  readonly predicting: string
  readonly waiting: string
  readonly eyebrow: Readonly<Record<Decision, string>>
  readonly nothingKnown: string
  readonly closest: string
  readonly allScores: string
  /** One decimal, for the eye: `93.4%`. */
  readonly percent: (score: number) => string
  readonly answeredBy: (name: string, elapsedMs: number) => string
  readonly model: string
  readonly backboneClasses: string
  readonly report: string
  readonly newTab: string
  readonly downloadReport: string
  readonly reportFailed: string
  readonly correct: Readonly<Record<Decision, string>>
  readonly correctLabel: string
  readonly correctHint: string
  readonly correctSend: string
  readonly cancel: string
  readonly correctionKept: (label: string) => string
  /** The parts of the announced sentence: opening, then `label, percent`, then the runners-up. */
  readonly spokenOpening: Readonly<Record<Decision, string>>
  readonly spokenPercent: (score: number) => string
  readonly spokenThen: string
  readonly photosHeading: (finished: number, all: number) => string
  readonly failedShort: string
  readonly photoFailed: string
  readonly requestFailed: string
  readonly busy: string
  readonly busyFor: (seconds: number) => string
  readonly unreachable: string
  readonly unreachableHint: string
  readonly unreadable: string
  readonly unreadableHint: string
  readonly unexpected: (status: number) => string
  readonly unexpectedHint: string
  readonly retry: string
  readonly token: Readonly<Record<'missing' | 'rejected' | 'insufficient', string>>
  readonly tokenHint: string
  readonly tokenLabel: string
  readonly tokenSend: string
  readonly privacy: string
  readonly privacyOfCorrections: string
}

const en: Strings = {
  language: 'en',
  title: 'What is in your photo?',
  lead: 'Show Verger a photo, and it says what it sees.',
  choosePhoto: 'Choose a photo',
  chooseAnother: 'Another photo',
  takePhoto: 'Take a photo',
  orDropOrPaste: 'or drop one anywhere on this page, or paste it',
  dropHere: 'Drop it here',
  notAFile: 'There was no photo in that. Drop or paste an image file.',
  photoAlt: (name) => `Your photo ${name}`,
  noPreview: 'This browser cannot show this photo',
  predicting: 'Looking at the photo…',
  waiting: 'Waiting',
  eyebrow: {
    ok: 'It looks like',
    unsure: 'Not sure — could be',
    unknown: 'Unlike the photos I learned from',
  },
  nothingKnown: 'I do not know this one',
  closest: 'The closest I know',
  allScores: 'Best guesses',
  percent: (score) => formatPercent('en', score),
  answeredBy: (name, elapsedMs) => `Answered by ${name} in ${formatMs('en', elapsedMs)} ms`,
  model: 'Model',
  backboneClasses: 'A thousand everyday things',
  report: 'Its report',
  newTab: 'opens in a new tab',
  downloadReport: 'Download its report',
  reportFailed: 'The report did not come. Please try again.',
  correct: { ok: 'No, it is …', unsure: 'I know what it is', unknown: 'I know what it is' },
  correctLabel: 'What is it?',
  correctHint:
    'Your photo and the label are kept on this server as an example for the next training.',
  correctSend: 'Send',
  cancel: 'Cancel',
  correctionKept: (label) => `Thank you. It is kept as an example of “${label}”.`,
  spokenOpening: {
    ok: '',
    unsure: 'Not sure, could be ',
    unknown: 'I do not know this one, closest is ',
  },
  spokenPercent: (score) =>
    score < 0.01 ? 'less than 1 percent' : `${Math.round(score * 100)} percent`,
  spokenThen: '; then ',
  photosHeading: (finished, all) =>
    finished === all ? `${all} photos` : `${finished} of ${all} photos`,
  failedShort: 'Failed',
  photoFailed: 'This photo could not be read',
  requestFailed: 'That did not work',
  busy: 'The server is busy. Please try again in a moment.',
  busyFor: (seconds) =>
    `The server is busy. Please try again in ${seconds} second${seconds === 1 ? '' : 's'}.`,
  unreachable: 'The server cannot be reached',
  unreachableHint: 'Check the network, or whether the server is still running.',
  unreadable: 'This file cannot be opened',
  unreadableHint: 'It may have been moved or changed, or it is a folder. Choose it once more.',
  unexpected: (status) => `The server gave an answer this page does not understand (${status})`,
  unexpectedHint: 'The page may be older than the server: reload it.',
  retry: 'Try again',
  token: {
    missing: 'This server wants an access token',
    rejected: 'That token was not accepted',
    insufficient: 'That token does not allow this',
  },
  tokenHint:
    'Ask whoever runs the server for one with the scopes predict and read. It is kept until you close this tab.',
  tokenLabel: 'Access token',
  tokenSend: 'Continue',
  privacy: 'Photos go to this server only. They are not kept.',
  privacyOfCorrections: 'Photos go to this server only. It keeps only those you correct.',
}

const fr: Strings = {
  language: 'fr',
  title: 'Qu’y a-t-il sur votre photo ?',
  lead: 'Montrez une photo à Verger, il dit ce qu’il y voit.',
  choosePhoto: 'Choisir une photo',
  chooseAnother: 'Une autre photo',
  takePhoto: 'Prendre une photo',
  orDropOrPaste: 'ou déposez-la n’importe où sur cette page, ou collez-la',
  dropHere: 'Déposez-la ici',
  notAFile: 'Il n’y avait pas de photo. Déposez ou collez un fichier image.',
  photoAlt: (name) => `Votre photo ${name}`,
  noPreview: 'Ce navigateur ne sait pas afficher cette photo',
  predicting: 'La photo est à l’examen…',
  waiting: 'En attente',
  eyebrow: {
    ok: 'Cela ressemble à',
    unsure: 'Pas certain — peut-être',
    unknown: 'Différent des photos apprises',
  },
  nothingKnown: 'Je ne connais pas cela',
  closest: 'Ce qui s’en approche le plus',
  allScores: 'Meilleures réponses',
  percent: (score) => formatPercent('fr', score),
  model: 'Modèle',
  backboneClasses: 'Mille choses de tous les jours',
  report: 'Son rapport',
  newTab: 'dans un nouvel onglet',
  downloadReport: 'Télécharger son rapport',
  reportFailed: 'Le rapport n’est pas arrivé. Réessayez.',
  correct: { ok: 'Non, c’est…', unsure: 'Je sais ce que c’est', unknown: 'Je sais ce que c’est' },
  correctLabel: 'Qu’est-ce que c’est ?',
  correctHint:
    'Votre photo et ce nom sont gardés sur ce serveur comme exemple pour le prochain apprentissage.',
  correctSend: 'Envoyer',
  cancel: 'Annuler',
  correctionKept: (label) => `Merci. La photo est gardée comme exemple de « ${label} ».`,
  answeredBy: (name, elapsedMs) => `Réponse de ${name} en ${formatMs('fr', elapsedMs)} ms`,
  spokenOpening: {
    ok: '',
    unsure: 'Pas certain, peut-être ',
    unknown: 'Je ne connais pas cela, le plus proche est ',
  },
  spokenPercent: (score) =>
    score < 0.01 ? 'moins de 1 pour cent' : `${Math.round(score * 100)} pour cent`,
  spokenThen: ' ; puis ',
  photosHeading: (finished, all) =>
    finished === all ? `${all} photos` : `${finished} photo${finished > 1 ? 's' : ''} sur ${all}`,
  failedShort: 'Échec',
  photoFailed: 'Cette photo n’a pas pu être lue',
  requestFailed: 'Cela n’a pas marché',
  busy: 'Le serveur est occupé. Réessayez dans un instant.',
  busyFor: (seconds) =>
    `Le serveur est occupé. Réessayez dans ${seconds} seconde${seconds > 1 ? 's' : ''}.`,
  unreachable: 'Le serveur est injoignable',
  unreachableHint: 'Vérifiez le réseau, ou si le serveur tourne encore.',
  unreadable: 'Ce fichier ne s’ouvre pas',
  unreadableHint:
    'Il a peut-être été déplacé ou modifié, ou c’est un dossier. Choisissez-le de nouveau.',
  unexpected: (status) =>
    `Le serveur a donné une réponse que cette page ne comprend pas (${status})`,
  unexpectedHint: 'La page est peut-être plus ancienne que le serveur : rechargez-la.',
  retry: 'Réessayer',
  token: {
    missing: 'Ce serveur demande un jeton d’accès',
    rejected: 'Ce jeton n’a pas été accepté',
    insufficient: 'Ce jeton ne permet pas cela',
  },
  tokenHint:
    'Demandez à la personne qui tient le serveur un jeton avec les portées predict et read. Il est gardé jusqu’à la fermeture de l’onglet.',
  tokenLabel: 'Jeton d’accès',
  tokenSend: 'Continuer',
  privacy: 'Les photos ne vont qu’à ce serveur. Elles ne sont pas gardées.',
  privacyOfCorrections:
    'Les photos ne vont qu’à ce serveur. Il ne garde que celles que vous corrigez.',
}

const DICTIONARY: Readonly<Record<Language, Strings>> = { en, fr }

/** The page's words for a browser language such as `fr-CA`; English for one it does not speak. */
export function stringsFor(browserLanguage: string): Strings {
  const primary = browserLanguage.toLowerCase().split('-')[0]
  return DICTIONARY[LANGUAGES.find((language) => language === primary) ?? 'en']
}

function formatPercent(language: Language, score: number): string {
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 }
  const format = new Intl.NumberFormat(language, { style: 'percent', ...digits })
  // Above nothing is not nothing: `< 0.1%` where rounding would say `0.0%`.
  return score > 0 && score < 0.0005 ? `< ${format.format(0.001)}` : format.format(score)
}

function formatMs(language: Language, elapsedMs: number): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(elapsedMs)
}
