import AFSTypes
import Glibc
import RxCore
import Testing

@Suite struct RxCallErrorTests {
  @Test(
    "Logs get words",
    arguments: [
      (.timedOut(.dead), "no sign of life within the time limit"), (.unreachable(ECONNREFUSED), "Connection refused"),
      (.aborted(AbortCode(110)), "the peer aborted the call: abort code 110 (VBUSY in AFS)"),
      (.security("the server's key is unknown"), "the server's key is unknown"),
    ] as [(RxCallError, String)])
  func words(error: RxCallError, text: String) {
    #expect("\(error)" == text)
  }
}
