// Runs the functions of an object one after the other and prints one line of JSON for each, {"claim": its name, "error": null or
// text}, so that each is a test of its own and node starts once.
export async function report(claims) {
  for (const [claim, check] of Object.entries(claims)) {
    const error = await check().then(
      () => null,
      (reason) => reason.stack,
    );
    console.log(JSON.stringify({ claim, error }));
  }
}
