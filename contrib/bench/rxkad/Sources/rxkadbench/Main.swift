import Glibc

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
    default:
      print("usage: rxkadbench cipher | check SERVER FID-VOLUME FID-VNODE FID-UNIQUE TOKEN-FILE")
      exit(64)
    }
  }
}
