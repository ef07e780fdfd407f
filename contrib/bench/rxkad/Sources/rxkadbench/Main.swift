import Glibc
import RxCore

@main
struct RxkadBench {
  static func main() async throws {
    switch CommandLine.arguments.dropFirst().first {
    case "cipher": CipherBench.run()
    case "check":
      do {
        try await ServerCheck(Array(CommandLine.arguments.dropFirst(2))).run()
      } catch {
        print("rxkad check: \(error)")
        exit(1)
      }
    case "serve": try await Echo.serve(port: UInt16(CommandLine.arguments[2])!)
    case "call":
      var address = in_addr()
      inet_pton(AF_INET, CommandLine.arguments[2], &address)
      try await Echo.call(
        RxAddress(ipv4: UInt32(bigEndian: address.s_addr), port: UInt16(CommandLine.arguments[3])!),
        isSecure: CommandLine.arguments[4] == "rxkad")
    default:
      print(
        """
        usage: rxkadbench cipher
               rxkadbench check SERVER FID-VOLUME FID-VNODE FID-UNIQUE TOKEN-FILE
               rxkadbench serve PORT
               rxkadbench call SERVER PORT null|rxkad
        """)
      exit(64)
    }
  }
}
