import AFSClient
import AFSTypes
import Glibc
import Testing

@Suite struct AFSErrorTests {
  @Test(
    "Logs get words, for all that servers and disks may say",
    arguments: [
      (.quotaExceeded, "the volume's quota is exceeded"), (.timedOut, "no server of the volume answers"),
      (.cacheFailure(ENOSPC), "the cache failed: No space left on device"), (.corrupt("page 3"), "page 3"),
      (.aborted(AbortCode(110)), "the server gave abort code 110 (VBUSY)"), (.accessDenied, "permission denied"),
      (.shutDown, "the client is shut down"),
    ] as [(AFSError, String)])
  func words(error: AFSError, text: String) {
    #expect("\(error)" == text)
  }
}
