/** The server's access token, kept for this browser tab only. */

const STORAGE_KEY = 'verger.token'

export function readAccessToken(): string | undefined {
  return sessionStorage.getItem(STORAGE_KEY) ?? undefined
}

export function writeAccessToken(token: string): void {
  sessionStorage.setItem(STORAGE_KEY, token)
}
